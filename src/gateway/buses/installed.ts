/** Packages that not everybody has: they are loaded where a configuration asks for them. */
import { BusError } from "../errors.ts";

/** Rejects with `BusError` `not_installed`, which says what to install. */
export async function installed<Module>(
  name: string,
  load: () => Promise<Module>,
  packages: string = name,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new BusError("not_installed", `the bus needs the package ${name}: npm install ${packages}`, {
      cause,
    });
  }
}
