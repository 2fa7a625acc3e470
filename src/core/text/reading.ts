/**
 * What comes of reading a text or a value that a person wrote: what it stands for, or what is accepted instead.
 *
 * The grammars of durations, sizes, addresses and framings give it; the options of the library, the configuration and
 * the command line each make an error of their own kind of it.
 */

/** The value, or what is expected in the place of what was found, and what was probably meant. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly expected: string; readonly hint?: string | undefined };

/** It has been read. */
export function read<T>(value: T): Reading<T> {
  return { ok: true, value };
}

/** It is something else. */
export function misread(expected: string, hint?: string): Reading<never> {
  return { ok: false, expected, hint };
}

/** All that is wanted, as one text. */
export function wanted(
  { expected, hint }: { readonly expected: string; readonly hint?: string | undefined },
): string {
  return hint === undefined ? expected : `${expected}; ${hint}`;
}
