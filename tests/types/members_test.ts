// @once: it reads the types of the sources with the compiler, which answers alike on every runtime
/** What the entry points show of classes and of the objects that they give: only what a program may use. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript5";
import { certificates, connect, lines, serve } from "../../mod.ts";
import { reconnect } from "../../client.ts";
import { checkConfig, memoryBus, startGateway } from "../../src/gateway/mod.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const { exports } = JSON.parse(readFileSync(`${root}/deno.json`, "utf8")) as {
  exports: Record<string, string>;
};
const entryPoints = Object.entries(exports).filter(([name]) => name !== "./cli").map(([, file]) => file);

/** What our objects have; a member more is one that a program may use, is documented, and stands here. */
const members: Readonly<Record<string, readonly string[]>> = {
  Server: [
    ...["address", "state", "connections", "runtime", "finished", "stats", "rates", "inspect", "tls"],
    ...[
      "broadcast",
      "publish",
      "deliver",
      "kill",
      "ban",
      "unban",
      "update",
      "suspend",
      "resume",
      "close",
      "destroy",
    ],
  ],
  Connection: [
    ...["id", "peer", "protocol", "state", "startedAt", "context", "stats", "batches", "send", "deliver"],
    ...["flush", "upgrade", "reframe", "end", "close", "destroy", "signal", "closed", "readable", "writable"],
  ],
  ReconnectingClient: [
    ...["state", "connection", "connected", "finished", "send", "deliver", "flush", "batches", "stats"],
    ...["close", "destroy"],
  ],
  Certificates: [
    ...["open", "close", "material", "several", "clientAuthorities", "select", "onChange", "rotate"],
    ...["reload", "inspect", "expires"],
  ],
  Gateway: [
    "bus",
    "endpoints",
    "adminUrl",
    "finished",
    "state",
    "samples",
    "notReady",
    "reload",
    "close",
    "destroy",
  ],
  CheckedConfig: ["endpoints"],
};

/**
 * All that an application finds at the main entry point: what it calls, the options and the results of that, and errors.
 * Parts of these are reached by index, such as `ServerInspection["connections"]`; what is for those who write framings is
 * at `./streams`, and for those who write adapters at `./adapter`.
 */
const names: Readonly<Record<string, readonly string[]>> = {
  servers: [
    ...["ProxyProtocolOptions", "FirstBytesOptions"],
    ...["replies", "RepliesOptions", "RepliesStats"],
    ...["serve", "ServeOptions", "Server", "ServerState", "ServerStats", "ServerInspection", "RateSample"],
    ...[
      "AdmissionOptions",
      "AuditEvent",
      "KillOptions",
      "LiveOptions",
      "RejectReason",
      "ShutdownReport",
      "prometheusText",
      "prometheusContentType",
      "BroadcastReport",
      "onSignals",
      "systemdSockets",
      "SignalsOptions",
      "Logger",
      "LogRecord",
    ],
  ],
  connections: [
    ...["connect", "ConnectOptions", "Connection", "ConnectionOptions", "ConnectionState", "ConnectionStats"],
    ...["ConnectionRates", "Handler", "OnFrame", "EgressPolicy", "SendOutcome", "CloseReason"],
    ...["TerminationRecord", "Address", "Peer", "memoryBudget", "MemoryBudget", "ReframeOptions"],
    ...["ProxyInfo", "ProxyHeaderOptions"],
  ],
  tls: [
    ...["certificates", "Certificates", "CertificatesOptions", "CertificateSource", "CertificateInspection"],
    ...["ReloadReport", "TlsServerOptions", "TlsClientOptions", "UpgradeOptions", "PeerCertificate"],
  ],
  framings: [
    ...[
      "Framing",
      "lines",
      "LinesOptions",
      "TextLinesOptions",
      "delimited",
      "DelimitedOptions",
      "fixedLength",
    ],
    ...["FixedLengthOptions", "lengthField", "LengthFieldOptions", "raw", "defineFraming"],
    ...["berField", "varintField", "VariableLengthOptions", "checksummed", "ChecksumOptions"],
    ...["mapFraming", "silence", "SilenceOptions", "discardAfterSilence", "DiscardAfterSilenceOptions"],
  ],
  values: ["DurationInput", "SizeInput", "Backoff"],
  errors: [
    ...[
      "MillraceError",
      "FrameError",
      "IdleTimeoutError",
      "LimitError",
      "OptionsError",
      "ShutdownTimeoutError",
    ],
    ...["SocketError", "TimeoutError", "TlsError"],
  ],
};

interface Shown {
  readonly entryPoint: string;
  readonly name: string;
  readonly declarations: readonly ts.Declaration[];
}

describe("what the entry points show", () => {
  const shown: Shown[] = [];
  const published = new Set<ts.Symbol>();
  let checker: ts.TypeChecker;

  before(() => {
    const program = ts.createProgram(entryPoints.map((file) => `${root}/${file}`), {
      allowImportingTsExtensions: true,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
      types: ["node"],
    });
    checker = program.getTypeChecker();
    for (const entryPoint of entryPoints) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(`${root}/${entryPoint}`)!)!;
      for (const exported of checker.getExportsOfModule(module)) {
        const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        published.add(symbol);
        shown.push({ entryPoint, name: exported.name, declarations: symbol.declarations ?? [] });
      }
    }
  });

  /** Members that are written down, but for those whose names are symbols and those that no one can reach. */
  function membersOf(declarations: readonly ts.Declaration[]): ts.Declaration[] {
    return declarations.filter((one) => ts.isClassDeclaration(one) || ts.isInterfaceDeclaration(one))
      .flatMap((one): ts.Declaration[] => [...one.members])
      .filter((member) => !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private))
      .filter((member) => {
        const name = ts.getNameOfDeclaration(member);
        return ts.isConstructorDeclaration(member) || (name !== undefined && ts.isIdentifier(name));
      });
  }

  /** Names of our types that a declaration refers to and that no entry point exports. */
  function unpublishedIn(node: ts.Node): string[] {
    const found: string[] = [];
    const visit = (inner: ts.Node): void => {
      if (ts.isTypeReferenceNode(inner)) {
        const named = checker.getSymbolAtLocation(inner.typeName);
        const symbol = named && named.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(named) : named;
        const declaration = symbol?.declarations?.[0];
        const ours = declaration && dirname(declaration.getSourceFile().fileName).startsWith(`${root}/src`);
        const parameter = declaration && ts.isTypeParameterDeclaration(declaration);
        if (symbol && ours && !parameter && !published.has(symbol)) found.push(symbol.name);
      }
      ts.forEachChild(inner, visit);
    };
    visit(node);
    return found;
  }

  it("have, where an application imports from, the names that it needs, and no others", () => {
    const found = shown.filter(({ entryPoint }) => entryPoint === "./mod.ts").map(({ name }) => name);
    assert.deepEqual(found.sort(), Object.values(names).flat().sort());
  });

  it("have the members that a program may use, and no others", () => {
    for (const [type, expected] of Object.entries(members)) {
      const [one] = shown.filter(({ name }) => name === type);
      assert.ok(one, `${type} is exported by no entry point`);
      const names = membersOf(one.declarations).map((member) => ts.getNameOfDeclaration(member)?.getText());
      assert.deepEqual(names.sort(), [...expected].sort(), type);
    }
  });

  it("have while they run what their types show, and no more", async (t) => {
    const server = await serve({ port: 0, framing: lines(), logger: () => {}, onFrame: () => {} });
    t.after(() => server.destroy());
    const connection = await connect({ port: server.address.port, framing: lines() });
    const checked = checkConfig({ endpoints: [{ name: "a", listen: "127.0.0.1:0" }] });
    assert.ok(checked.ok);
    const gateway = await startGateway(checked.config, { bus: memoryBus(), logger: () => {} });
    t.after(() => gateway.destroy());
    const set = certificates({ main: { certFile: "a.crt", keyFile: "a.key" } });
    const client = reconnect({ port: server.address.port, framing: lines() });
    t.after(() => client.destroy());
    const objects = {
      Server: server,
      Connection: connection,
      ReconnectingClient: client,
      Certificates: set,
      Gateway: gateway,
    };
    for (const [type, object] of Object.entries({ ...objects, CheckedConfig: checked.config })) {
      const names = [object, Object.getPrototypeOf(object)].flatMap((one) => Object.getOwnPropertyNames(one));
      assert.deepEqual(
        names.filter((name) => name !== "constructor").sort(),
        [...members[type]!].sort(),
        type,
      );
    }
    connection.destroy();
  });

  it("have no constructor whose parameters are of types that nobody else can name", () => {
    let constructors = 0;
    const faults: string[] = [];
    // Errors take literals, which need no name.
    for (const { entryPoint, name, declarations } of shown.filter(({ name }) => !name.endsWith("Error"))) {
      for (const member of membersOf(declarations).filter((one) => ts.isConstructorDeclaration(one))) {
        constructors++;
        const types = member.parameters.flatMap((parameter) => unpublishedIn(parameter));
        faults.push(...types.map((type) => `${entryPoint}: ${name}(${type})`));
      }
    }
    assert.deepEqual(faults, []);
    assert.ok(constructors > 10, `${constructors} constructors were looked at`);
  });

  it("have no member for internal use in a class", () => {
    let seen = 0;
    for (const { entryPoint, name, declarations } of shown) {
      if (!declarations.some((one) => ts.isClassDeclaration(one))) continue;
      for (const member of membersOf(declarations)) {
        seen++;
        const called = ts.getNameOfDeclaration(member)?.getText() ?? "constructor";
        const tags = ts.getJSDocTags(member).map((tag) => tag.tagName.text);
        const inner = /^_(?!tag$)|^wheel[A-Z]/.test(called) || tags.includes("internal");
        assert.ok(!inner, `${entryPoint}: ${name}.${called}`);
      }
    }
    assert.ok(seen > 80, `${seen} members were looked at`);
  });
});
