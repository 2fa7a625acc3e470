/**
 * What the codes of the systems' and the runtimes' errors mean, as reasons of a `SocketError`: one table for all.
 *
 * Used by `errors.ts`. Knows no runtime. A code that is not in it is a bug of ours (EBADF, EFAULT, EINVAL) or says
 * nothing about a socket, and is `unknown`; its message is shown all the same.
 */

/** Why a socket operation failed. */
export type SocketErrorReason =
  | "aborted"
  | "address_in_use"
  | "address_not_available"
  | "bad_descriptor"
  | "broken_pipe"
  | "busy"
  | "closed"
  | "host_not_found"
  | "no_space"
  | "no_target"
  | "out_of_memory"
  | "path_not_found"
  | "permission_denied"
  | "refused"
  | "reset"
  | "timed_out"
  | "tls"
  | "too_many_open_files"
  | "unknown"
  | "unknown_connection"
  | "unreachable";

const codes: Readonly<Partial<Record<SocketErrorReason, readonly string[]>>> = {
  aborted: ["ABORT_ERR", "ECANCELED"],
  address_in_use: ["EADDRINUSE"],
  // A machine without IPv6 says that it knows no such family.
  address_not_available: [
    "EADDRNOTAVAIL",
    "EAFNOSUPPORT",
    "EPFNOSUPPORT",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
  ],
  broken_pipe: ["EPIPE", "ESHUTDOWN"],
  // What a Unix socket says whose queue of connections is full.
  busy: ["EAGAIN", "EWOULDBLOCK"],
  closed: ["ERR_SOCKET_CLOSED", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"],
  host_not_found: [
    "EAI_ADDRFAMILY",
    "EAI_AGAIN",
    "EAI_FAIL",
    "EAI_FAMILY",
    "EAI_NODATA",
    "EAI_NONAME",
    "EAI_SERVICE",
    "ENOTFOUND",
  ],
  no_space: ["ENOSPC", "EDQUOT"],
  out_of_memory: ["ENOMEM", "ENOBUFS", "ENOSR", "EAI_MEMORY"],
  path_not_found: ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV"],
  permission_denied: ["EACCES", "EPERM", "EROFS"],
  // A datagram socket stands at that path.
  refused: ["ECONNREFUSED", "EPROTOTYPE"],
  reset: ["ECONNABORTED", "ECONNRESET", "ENETRESET", "ENOTCONN"],
  timed_out: ["ETIMEDOUT", "ETIME", "ERR_SOCKET_CONNECTION_TIMEOUT"],
  too_many_open_files: ["EMFILE", "ENFILE"],
  unreachable: ["EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENONET"],
};

/** The reason that a code stands for, such as `refused` for `ECONNREFUSED`; undefined when there is none. */
export function reasonOf(code: string): SocketErrorReason | undefined {
  return (Object.keys(codes) as SocketErrorReason[]).find((reason) => codes[reason]!.includes(code));
}
