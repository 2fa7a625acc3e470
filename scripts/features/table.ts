/**
 * What one row of docs/features.md says. The rows are in features.ts and faults.ts; document.ts writes them down.
 */

/**
 * `held` and `partly` are claims: at least one test must carry the row's id in its name. `partly` says in `missing`
 * what is not there yet.
 */
export type State = "held" | "partly" | "planned";

export type Runtime = "bun" | "deno" | "node";

export interface Row {
  readonly id: string;
  /** What the user gets, or for a fault what is done to Millrace. */
  readonly name: string;
  readonly state: State;
  /** For a fault: what Millrace promises then. For a feature: a limit. */
  readonly note?: string;
  /** What a `partly` held row does not have yet. */
  readonly missing?: string;
  /** Where one runtime cannot do it: what its user gets instead. Shown once the row is held. */
  readonly instead?: Readonly<Partial<Record<Runtime, string>>>;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}
