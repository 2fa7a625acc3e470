// A program of tests/workers/programs as a module that a worker can run, whatever it is that reads TypeScript here.
import process from "node:process";

/**
 * Where tsx does, it registers itself in the main thread alone, so that the module for the worker is one that registers it
 * first.
 */
export function workerModule(url: URL): URL {
  if (!process.execArgv.includes("tsx")) return url;
  const tsx = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const program = `import { register } from ${tsx}; register(); await import(${JSON.stringify(url.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(program)}`);
}
