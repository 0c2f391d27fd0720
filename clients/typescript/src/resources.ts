// The types of the methods, worked out from the contract's, and the object that has them.

import { type Caller, named, type Options, type Query } from "./call.js";
import type { paths } from "./contract.js";
import { OPERATIONS } from "./operations.js";

type Table = typeof OPERATIONS;
type Entry = readonly [method: string, path: string, takes: "list" | "body" | "query" | "nothing"];
type Operation<Where extends Entry> = Where[1] extends keyof paths
  ? Where[0] extends keyof paths[Where[1]] ? paths[Where[1]][Where[0]] : never
  : never;

type Json<Answer> = Answer extends { content: { "application/json": infer Body } } ? Body : string;
type Answer<Op> = Op extends { responses: infer All }
  ? Json<All[Extract<keyof All, 200 | 201 | 202>]>
  : never;
type Body<Op> = Op extends { requestBody?: { content: { "application/json": infer Sent } } } ? NonNullable<Sent> : never;
type Asked<Op> = Op extends { parameters: { query?: infer Sent } } ? OneOrMore<NonNullable<Sent>> : never;
/** Where several values may be given, one may stand alone. */
type OneOrMore<Query> = { [Name in keyof Query]: NonNullable<Query[Name]> extends (infer One)[] ? One | One[] : Query[Name] };
type Ids<Path extends string> = Path extends `${string}{${string}}${infer Rest}` ? [id: string, ...Ids<Rest>] : [];
type Sent<Op> = [Body<Op>] extends [never]
  ? [Asked<Op>] extends [never] ? [options?: Options] : [query?: Asked<Op>, options?: Options]
  : Record<string, never> extends Body<Op> ? [body?: Body<Op>, options?: Options] : [body: Body<Op>, options?: Options];

/** What an operation answers: a list of all pages, or a promise. */
type Result<Op> = "cursor" extends keyof Asked<Op>
  ? Answer<Op> extends { data: (infer Item)[] } ? List<Item, Answer<Op>> : Promise<Answer<Op>>
  : Promise<Answer<Op>>;

type Method<Where extends Entry> =
  (...given: [...Ids<Where[1]>, ...Sent<Operation<Where>>]) => Result<Operation<Where>>;

/** A method for each operation, under the noun it belongs to: `invoices.create(…)`. */
export type Resources = { [Noun in keyof Table]: { [Name in keyof Table[Noun]]: Method<Table[Noun][Name] & Entry> } };

/** A list. `for await` reads page after page; `page()` reads the first one. */
export class List<Item, Page> implements AsyncIterable<Item> {
  constructor(readonly page: () => Promise<Page>, readonly items: () => AsyncGenerator<Item>) {}

  [Symbol.asyncIterator](): AsyncGenerator<Item> {
    return this.items();
  }
}

interface AnyPage { data: unknown[]; has_more: boolean; next_cursor: string | null }

function list(caller: Caller, path: string, query: Query, options?: Options): List<unknown, AnyPage> {
  const read = (asked: Query) => caller.call("get", path, asked, undefined, options) as Promise<AnyPage>;
  return new List(() => read(query), async function* () {
    for (let asked = query; ; ) {
      const page = await read(asked);
      yield* page.data;
      if (!page.has_more) return;
      asked = { ...query, cursor: page.next_cursor };
    }
  });
}

export function resources(caller: Caller): Resources {
  const nouns: Record<string, Record<string, unknown>> = {};
  for (const [noun, operations] of Object.entries(OPERATIONS)) {
    const methods: Record<string, unknown> = (nouns[noun] = {});
    for (const [name, [method, path, takes]] of Object.entries(operations as Record<string, Entry>))
      methods[name] = (...given: unknown[]) => {
        const filled = path.replace(/\{\w+\}/g, () => named(String(given.shift())));
        const sent = (takes === "nothing" ? {} : (given.shift() ?? {})) as Query;
        const options = given.shift() as Options | undefined;
        if (takes === "list") return list(caller, filled, sent, options);
        const [query, body] = takes === "body" ? [{}, sent] : [sent, undefined];
        return caller.call(method, filled, query, body, options);
      };
  }
  return nouns as Resources;
}
