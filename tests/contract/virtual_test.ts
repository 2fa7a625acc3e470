import { systemClock } from "../../src/core/time/clock.ts";
import { VirtualNetwork } from "../../src/testing/virtual_network.ts";
import { contract } from "./contract.ts";

// In real time, since the contract waits for events; a perfect link, and one that delays and cuts.
for (
  const [name, options] of [
    ["a perfect virtual network", {}],
    ["a rough virtual network", { seed: 5, latency: [0, 2], chunk: [1, 30_000], window: 1 << 20 }],
  ] as const
) {
  const network = new VirtualNetwork({ clock: systemClock, ...options });
  const adapter = network.adapter("server");
  const dialler = network.adapter("client");
  let paths = 0;
  contract({
    name,
    adapter,
    dialler,
    host: "server",
    ip: "10.0.0.1",
    unixPath: () => `/server/${++paths}.sock`,
    ipv6: true,
  });
}
