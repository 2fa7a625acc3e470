/**
 * Libraries that read the environment for settings of their own, in a process that may not read it: Deno without
 * `--allow-env`, where each look throws. Nothing here has a setting in the environment, so they find an empty one.
 *
 * The global is used, since this is loaded with the main entry point, which loads no module of Node.
 *
 * Used by the gateway where it calls such a library, and by its program for as long as it runs.
 */

/** Runs this, which reads the environment, and gives what it gives. */
export function withEnvironment<T>(run: () => T): T {
  const restore = shieldEnvironment();
  try {
    return run();
  } finally {
    restore();
  }
}

/** The variables of this process, also while an empty environment stands in their place. Reading one may throw. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return (shields > 0 && own !== undefined
    ? own.get?.call(globalThis.process) ?? own.value
    : globalThis.process.env) as typeof globalThis.process.env;
}

let shields = 0;
let own: PropertyDescriptor | undefined;

/** Puts an empty environment in place of one that may not be read; returns how to put it back. */
export function shieldEnvironment(): () => void {
  if (shields === 0) {
    if (isReadable()) return () => {};
    own = Object.getOwnPropertyDescriptor(globalThis.process, "env");
    Object.defineProperty(globalThis.process, "env", {
      value: {},
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  shields++;
  let over = false;
  return () => {
    if (over) return;
    over = true;
    if (--shields === 0 && own !== undefined) Object.defineProperty(globalThis.process, "env", own);
  };
}

/** Of all names, or of none: with a list of some each other name would throw. */
function isReadable(): boolean {
  try {
    void globalThis.process.env["MILLRACE_UNSET"];
    return true;
  } catch {
    return false;
  }
}
