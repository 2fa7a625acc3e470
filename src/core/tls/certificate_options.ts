/**
 * What `certificates` takes and gives: the certificates of a server by name, where they come from, and what is
 * known of those in service.
 *
 * Used by whoever configures a server, and by the server itself. Knows no socket, no file and no timer.
 */
import type { Clock } from "../time/clock.ts";
import type { DurationInput } from "../time/duration.ts";
import type { PeerCertificate, TlsMaterial } from "./tls.ts";
import type { TlsError } from "./tls_error.ts";
import type { Logger } from "../logger.ts";

/** Where a certificate comes from, and for which names of servers it is. */
export type CertificateSource =
  & {
    /**
     * Names of servers that it is used for, such as `"example.org"` or `"*.example.org"`; a star stands for one
     * label, and an exact name goes before it. @default the DNS names in the certificate itself
     */
    readonly serverNames?: readonly string[] | undefined;
  }
  & (
    // As text.
    | {
      /** PEM text: the server's own certificate, then those between it and the root. */
      readonly cert: string;
      /** PEM text: its private key, not encrypted. */
      readonly key: string;
      /** Not with files at the same time. */
      readonly certFile?: undefined;
      /** Not with files at the same time. */
      readonly keyFile?: undefined;
      /** Not with a function at the same time. */
      readonly load?: undefined;
    }
    // In files, which are watched: a new pair in them goes into service by itself.
    | {
      /** Path of the PEM file: the server's own certificate, then those between it and the root. It is watched. */
      readonly certFile: string;
      /** Path of the PEM file with the key, which may be the same file. It is watched. */
      readonly keyFile: string;
      /** Not with text at the same time. */
      readonly cert?: undefined;
      /** Not with text at the same time. */
      readonly key?: undefined;
      /** Not with a function at the same time. */
      readonly load?: undefined;
    }
    // From a function, such as one that asks a secret store.
    | {
      /** Called at the start, every `refresh` and at `reload()`, never twice at one time. */
      readonly load: (signal: AbortSignal) => TlsMaterial | Promise<TlsMaterial>;
      /** Time between two calls, at most 24 days; after a failure it is a minute at most. @default "1 hour" */
      readonly refresh?: DurationInput | undefined;
      /** Time for one call; then `signal` is aborted, and it has failed. @default "30 seconds" */
      readonly loadTimeout?: DurationInput | undefined;
      /** Not with text at the same time. */
      readonly cert?: undefined;
      /** Not with text at the same time. */
      readonly key?: undefined;
      /** Not with files at the same time. */
      readonly certFile?: undefined;
      /** Not with files at the same time. */
      readonly keyFile?: undefined;
    }
  );

/**
 * Settings of `certificates`.
 *
 * @typeParam Name the names of the sources
 */
export interface CertificatesOptions<Name extends string = string> {
  /**
   * Path of a PEM file with those who may sign client certificates, in the place of `tls.ca`. It is watched: what is new
   * in it counts for the handshakes from then on; what cannot be used is refused with a log record, and those before
   * stay. Goes with `clientCertificates` `"request"` or `"require"` of `tls`. @default none
   */
  readonly caFile?: string | undefined;
  /** Which one a client gets that names no server or one that is not known. @default the first */
  readonly default?: Name | undefined;
  /** Time between two looks at the files, for changes that the file system does not report. @default "10 seconds" */
  readonly pollInterval?: DurationInput | undefined;
  /** Warn, once a day, of certificates that expire within this time. @default "14 days" */
  readonly warnBefore?: DurationInput | undefined;
  /** Takes log records. @default the server's logger */
  readonly logger?: Logger | undefined;
  /** Time to use, for tests. @default the server's */
  readonly clock?: Clock | undefined;
}

/** A certificate in service, as data. */
export interface CertificateInspection {
  /** Its name among the sources. */
  readonly name: string;
  /** Clients that name no known server get it. */
  readonly isDefault: boolean;
  /** Where it comes from. */
  readonly source: "text" | "files" | "function";
  /** Names of servers that it is used for, in lower case. */
  readonly serverNames: readonly string[];
  /** Distinguished name of its owner. */
  readonly subject: string;
  /** Distinguished name of the authority that signed it. */
  readonly issuer: string;
  /** SHA-256 over the certificate, hexadecimal pairs parted by colons. */
  readonly fingerprint256: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  /** Milliseconds since 1970. */
  readonly validTo: number;
  /** When it went into service; milliseconds since 1970. */
  readonly since: number;
  /** How often another one has taken its predecessor's place. */
  readonly rotations: number;
  /** How many were refused. */
  readonly refusals: number;
  /** Why the newest one was refused; undefined while the source gives what is in service. */
  readonly refused: TlsError | undefined;
}

/** What a `reload` did, by names of certificates, and `caFile` for those who sign for clients. */
export interface ReloadReport {
  /** Another one has taken its place. */
  readonly rotated: readonly string[];
  /** The source gave what is in service. */
  readonly unchanged: readonly string[];
  /** What was found at fault; the one before stays in service. */
  readonly refused: readonly { readonly name: string; readonly error: TlsError }[];
}

/** The certificates of one server or of several. */
export interface Certificates extends AsyncDisposable {
  /**
   * Reads them all, checks them and starts to watch. A server does that with those of its option `tls`; what is only
   * given to `connection.upgrade` is for the program to open, before the first upgrade. Rejects with `TlsError`
   * `material` when one is at fault. To be paired with `close`; several may have it open, and the last one to close ends
   * the watching.
   */
  open(): Promise<void>;
  /** Ends the watching when nobody else has it open; what is in service stays there. */
  close(): Promise<void>;
  /**
   * The default certificate.
   *
   * @throws {TlsError} `material`, before it was opened
   */
  readonly material: TlsMaterial;
  /** More than one certificate, so that handshakes must ask `select`. */
  readonly several: boolean;
  /** Those who may sign client certificates, of the option `caFile`, as they are in service; undefined without it. */
  readonly clientAuthorities?: {
    /** PEM text. Throws `TlsError` `material` before it was read. */
    readonly ca: string;
    /** As data; undefined before it was read. */
    inspect(): {
      /** The file they are in. */
      readonly file: string;
      /** Each of them; times in milliseconds since 1970. */
      readonly authorities: readonly Pick<
        PeerCertificate,
        "subject" | "fingerprint256" | "validFrom" | "validTo"
      >[];
      /** When they went into service; milliseconds since 1970. */
      readonly since: number;
      /** How often others have taken their place. */
      readonly rotations: number;
      /** How many times what was new in the file was refused. */
      readonly refusals: number;
      /** Why it was, the last time; undefined while the file has what is in service. */
      readonly refused: TlsError | undefined;
    } | undefined;
  } | undefined;
  /** The certificate for a server name; undefined when none is for it, and the default one is to be used. */
  select(serverName: string): TlsMaterial | undefined;
  /** Calls back after each rotation of a certificate, in the same turn; returns how to stop that. */
  onChange(
    listener: (change: {
      /** Its name among the sources. */
      readonly name: string;
      /** The pair that is in service now. */
      readonly material: TlsMaterial;
      /** It is the default certificate: `material` of the whole has changed. */
      readonly isDefault: boolean;
    }) => void,
  ): () => void;
  /**
   * Puts a pair in service.
   *
   * @throws {TlsError} `material`, when the pair is at fault; nothing changes then
   */
  rotate(name: string, material: TlsMaterial): void;
  /** Reads files and calls functions again, now. Never rejects. */
  reload(): Promise<ReloadReport>;
  /** What is in service, as data. */
  inspect(): readonly CertificateInspection[];
  /** When each expires, in milliseconds since 1970, for metrics. */
  readonly expires: ReadonlyMap<string, number>;
}

/** A certificate that has gone into service in place of another one. */
export type CertificateChange = Parameters<Parameters<Certificates["onChange"]>[0]>[0];

/** Those who may sign client certificates, as they are in service. */
export type ClientAuthorities = NonNullable<Certificates["clientAuthorities"]>;

/** The same as data. */
export type ClientAuthoritiesInspection = NonNullable<ReturnType<ClientAuthorities["inspect"]>>;

/** What the server that opens certificates lends them, where they have no own. */
export interface CertificatesUser {
  /** Takes log records. */
  readonly logger?: Logger | undefined;
  /** Time to use. */
  readonly clock?: Clock | undefined;
}

/** The certificates of a server, to which it lends what they have not. */
export interface LendableCertificates extends Certificates {
  open(user?: CertificatesUser): Promise<void>;
}
