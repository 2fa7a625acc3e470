/** Types of runtimes.mjs, for the tests that start other runtimes. */

/** A program that runs, and its version. */
export interface Program {
  readonly program: string;
  readonly version: string;
}

export function findBun(): Program;
export function findDeno(): Program;
export function findNode(): Program;
export function findNode24(): Program | { readonly absent: string };
