// Runs `millrace` as if on a host that passes for Node and has no sockets that listen.
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Cloudflare-Workers" } });
await import("../../../../src/gateway/main.ts");
