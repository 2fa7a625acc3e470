/** What `mutant_tables.mjs` exports, for the test of the tables. */
export interface Mutant {
  readonly table: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
  readonly tests: readonly string[];
  readonly why: string;
  readonly runtime?: "bun" | "node" | "deno";
}
export function allMutants(): Promise<Mutant[]>;
export function placeOf(
  mutant: Pick<Mutant, "file" | "find" | "put">,
  read?: (file: string) => string | undefined,
): { readonly wrong: string } | {
  readonly wrong?: undefined;
  readonly source: string;
  readonly changed: string;
};
