// The table of codes, held against every code that Linux has for sockets and paths.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { reasonOf } from "../../src/core/errno.ts";
import { socketErrorFrom } from "../../src/core/errors.ts";
import { it } from "../support/it.ts";

/** What socket(2), bind(2), listen(2), accept(2), connect(2), send(2), recv(2), unix(7), ip(7), tcp(7) and open(2) list. */
const listed = {
  aborted: "ECANCELED",
  address_in_use: "EADDRINUSE",
  address_not_available: "EADDRNOTAVAIL EAFNOSUPPORT EPFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT",
  broken_pipe: "EPIPE ESHUTDOWN",
  busy: "EAGAIN EWOULDBLOCK",
  host_not_found: "ENOTFOUND EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME EAI_FAMILY EAI_ADDRFAMILY EAI_SERVICE",
  no_space: "ENOSPC EDQUOT",
  out_of_memory: "ENOMEM ENOBUFS ENOSR EAI_MEMORY",
  path_not_found: "ENOENT ENOTDIR ELOOP ENXIO ENODEV",
  permission_denied: "EACCES EPERM EROFS",
  refused: "ECONNREFUSED EPROTOTYPE",
  reset: "ECONNRESET ECONNABORTED ENETRESET ENOTCONN",
  timed_out: "ETIMEDOUT ETIME",
  too_many_open_files: "EMFILE ENFILE",
  unreachable: "ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH ENONET",
  // Faults of whoever calls, or nothing that a reason could say better than the message.
  unknown:
    "EBADF EFAULT EINVAL ENOTSOCK EISCONN EALREADY EINPROGRESS EINTR EMSGSIZE EDESTADDRREQ EOPNOTSUPP ENOPROTOOPT EPROTO EIO",
} as const;

describe("the codes of errors", () => {
  for (const [reason, codes] of Object.entries(listed)) {
    it(`S-66: are ${reason}: ${codes}`, () => {
      for (const code of codes.split(" ")) {
        const error = socketErrorFrom(Object.assign(new Error("it failed"), { code }), "try");
        assert.equal(error.reason, reason, code);
        assert.match(error.message, new RegExp(`^try: ${code} it failed`));
      }
    });
  }

  it("S-66: of what every object has are none", () => {
    for (const code of ["constructor", "toString", "__proto__", ""]) assert.equal(reasonOf(code), undefined);
  });
});
