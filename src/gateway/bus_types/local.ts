/** Buses without a server: inside the process, and as lines of standard streams. */
import { standardInput } from "../../host/standard_input.ts";
import { standardOutput } from "../../host/standard_output.ts";
import { memoryBus } from "../buses/memory_bus.ts";
import { stdioBus } from "../buses/stdio_bus.ts";
import { Sparingly } from "../log.ts";
import type { BusType } from "./bus_type.ts";

const local = { network: false, ingress: "in", read: () => undefined, standard: undefined } as const;

export const memory: BusType<undefined> = {
  ...local,
  make: (_, { clock, onHandlerError }) => Promise.resolve(memoryBus({ clock, onHandlerError })),
};

export const stdio: BusType<undefined> = {
  ...local,
  make: (_, { clock, onHandlerError, log, output = standardOutput(), input = standardInput() }) => {
    const sparingly = new Sparingly(log);
    const onRefused = (reason: string): void => sparingly.warn("line of input skipped", { error: reason });
    return Promise.resolve(stdioBus({ output, input, clock, onHandlerError, onRefused }));
  },
};
