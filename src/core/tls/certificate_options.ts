/**
 * What `certificates` takes and gives: the certificates of a server by name, where they come from, and what is
 * known of those in service.
 *
 * Used by programs that configure a server, and by the server itself. Knows no socket, no file and no timer.
 */
import type { Clock } from "../time/clock.ts";
import type { DurationInput } from "../time/duration.ts";
import type { PeerCertificate, TlsMaterial } from "./tls.ts";
import type { TlsError } from "./tls_error.ts";
import type { Logger } from "../logger.ts";

/** Source of a certificate, and the server names that it is for. */
export type CertificateSource =
  & {
    /**
     * Server names that it is for, such as `"example.org"` or `"*.example.org"`. A star stands for one label, and an
     * exact name takes precedence. @default the DNS names in the certificate
     */
    readonly serverNames?: readonly string[] | undefined;
  }
  & (
    // As text.
    | {
      /** PEM text: the server's certificate, then the intermediate certificates. */
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
      /** Path of the PEM file with the server's certificate, then the intermediate certificates. It is watched. */
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
      /** Called at the start, every `refresh` and on `reload()`; calls do not overlap. */
      readonly load: (signal: AbortSignal) => TlsMaterial | Promise<TlsMaterial>;
      /** Time between two calls, at most 24 days; at most one minute after a failure. @default "1 hour" */
      readonly refresh?: DurationInput | undefined;
      /** Time limit for one call; then `signal` is aborted and the call has failed. @default "30 seconds" */
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
   * Path of a PEM file with the CAs that may sign client certificates, instead of `tls.ca`. It is watched: new
   * content applies to handshakes from then on; content that cannot be used is rejected with a log record, and the
   * previous CAs stay. Needs `clientCertificates` `"request"` or `"require"` in `tls`. @default none
   */
  readonly caFile?: string | undefined;
  /** Certificate for clients that ask for no name, or an unknown one. @default the first */
  readonly default?: Name | undefined;
  /**
   * Interval at which the files are checked for changes that the file system does not report. @default "10 seconds"
   */
  readonly pollInterval?: DurationInput | undefined;
  /** Warn once a day about certificates that expire within this time. @default "14 days" */
  readonly warnBefore?: DurationInput | undefined;
  /** Receives log records. @default the server's logger */
  readonly logger?: Logger | undefined;
  /** Clock to use, for tests. @default the server's */
  readonly clock?: Clock | undefined;
}

/** A certificate in service, as data. */
export interface CertificateInspection {
  /** Its name among the sources. */
  readonly name: string;
  /** It is the one for clients that ask for no known name. */
  readonly isDefault: boolean;
  /** Where it comes from. */
  readonly source: "text" | "files" | "function";
  /** Server names that it is for, in lower case. */
  readonly serverNames: readonly string[];
  /** Distinguished name of its subject. */
  readonly subject: string;
  /** Distinguished name of its issuer. */
  readonly issuer: string;
  /** SHA-256 fingerprint: hexadecimal pairs separated by colons. */
  readonly fingerprint256: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  /** Milliseconds since 1970. */
  readonly validTo: number;
  /** When it was put in service; milliseconds since 1970. */
  readonly since: number;
  /** How often it has been replaced. */
  readonly rotations: number;
  /** How many new certificates were rejected. */
  readonly refusals: number;
  /** Why the newest one was rejected; undefined while the source has the one in service. */
  readonly refused: TlsError | undefined;
}

/** Result of a `reload`, by names of certificates, and `caFile` for the client CAs. */
export interface ReloadReport {
  /** Replaced by a new one. */
  readonly rotated: readonly string[];
  /** Unchanged. */
  readonly unchanged: readonly string[];
  /** Rejected; the previous one stays in service. */
  readonly refused: readonly { readonly name: string; readonly error: TlsError }[];
}

/** The certificates of one server or of several. */
export interface Certificates extends AsyncDisposable {
  /**
   * Reads and checks all certificates and starts to watch them. A server does this for its option `tls`; for
   * certificates that are only passed to `connection.upgrade`, the program calls it before the first upgrade. Pair it
   * with `close`: several users may have them open, and the last `close` ends the watching.
   *
   * @throws {TlsError} rejects with `material` when a certificate is invalid
   */
  open(): Promise<void>;
  /** Ends the watching when no other user has them open; the certificates stay in service. */
  close(): Promise<void>;
  /**
   * The default certificate.
   *
   * @throws {TlsError} `material`, before it was opened
   */
  readonly material: TlsMaterial;
  /** There is more than one certificate, so handshakes must call `select`. */
  readonly several: boolean;
  /** CAs in service that may sign client certificates, from the option `caFile`; undefined without it. */
  readonly clientAuthorities?: {
    /**
     * PEM text.
     *
     * @throws {TlsError} `material`, before it was read
     */
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
      /** When they were put in service; milliseconds since 1970. */
      readonly since: number;
      /** How often they were replaced. */
      readonly rotations: number;
      /** How often new content of the file was rejected. */
      readonly refusals: number;
      /** Why the newest content was rejected; undefined while the file has the content in service. */
      readonly refused: TlsError | undefined;
    } | undefined;
  } | undefined;
  /** The certificate for a server name; undefined if the default one is to be used. */
  select(serverName: string): TlsMaterial | undefined;
  /** Calls `listener` after each rotation, in the same turn. Returns a function that removes it. */
  onChange(
    listener: (change: {
      /** Its name among the sources. */
      readonly name: string;
      /** The pair that is in service now. */
      readonly material: TlsMaterial;
      /** It is the default certificate, so `material` has changed. */
      readonly isDefault: boolean;
    }) => void,
  ): () => void;
  /**
   * Puts a pair in service.
   *
   * @throws {TlsError} `material`, when the pair is invalid; nothing changes then
   */
  rotate(name: string, material: TlsMaterial): void;
  /** Reads the files and calls the functions again. Never rejects. */
  reload(): Promise<ReloadReport>;
  /** The certificates in service, as data. */
  inspect(): readonly CertificateInspection[];
  /** When each one expires, in milliseconds since 1970. */
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
