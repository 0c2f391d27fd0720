// Shows each time in the viewer's own zone. The server writes UTC, which stays where no script runs; the title keeps it.
const zoned = new Intl.DateTimeFormat("en", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  hourCycle: "h23", timeZoneName: "short",
});
for (const element of document.querySelectorAll("time[datetime]")) {
  const part = Object.fromEntries(zoned.formatToParts(new Date(element.dateTime)).map(({ type, value }) => [type, value]));
  element.textContent = `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${part.timeZoneName}`;
}
