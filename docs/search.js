// How the search orders pages. A word counts the more, the fewer pages have it; it counts more in a page's title than in a
// heading, and more there than in the text. A heading that has the words of the question counts most. The API reference
// and what is written for contributors come after pages that tell how to do something.
const REFERENCE = /^(api|contributing|tests|sandbox)\//;

const stems = (text) => splitQuery(text.toLowerCase()).map((word) => new Stemmer().stemWord(word));

const listed = (found) => [].concat(found ?? []);

var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  score: ([name, , , , given]) => {
    const { docnames, titles, alltitles, terms, titleterms } = Search._index;
    const page = docnames.indexOf(name);
    const words = stems(new URLSearchParams(location.search).get("q"));
    const title = stems(titles[page]);
    const headings = Object.keys(alltitles).filter((it) => alltitles[it].some(([place]) => place === page));
    const shares = headings.map(stems).map((has) => words.filter((word) => has.includes(word)).length / words.length);
    let score = given / 15 + 30 * Math.max(0, ...shares) ** 2;
    for (const word of words) {
      const weight = title.includes(word) ? 4 : listed(titleterms[word]).includes(page) ? 2 : 1;
      if (terms[word] !== undefined) score += weight * Math.log(docnames.length / listed(terms[word]).length);
    }
    return REFERENCE.test(name) ? score / 3 : score;
  },
};

// A page that was opened from a file may not read the others, so there are no excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
