/** IP addresses and sets of them. */
const ip = "src/core/text/ip.ts";
const range = "src/core/text/ip_range.ts";
const ranges = "src/core/text/ip_ranges.ts";
const tests = ["tests/core/ip_ranges_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  { file: ip, find: "|| leading ||", put: "||", tests, why: "an octal number is read as a decimal one" },
  { file: ip, find: "value > 255", put: "value > 256", tests, why: "256 is a number of an IPv4 address" },
  { file: ip, find: "if (gap !== -1) return false;", put: "", tests, why: ":: stands in an address twice" },
  { file: ip, find: "|| group === 8) return gap", put: ") return gap", tests, why: ":: stands for nothing" },
  {
    file: range,
    find: "? 96 - before : 0",
    put: "? 0 : 0",
    tests,
    why: "a range begins in IPv4 and ends outside",
  },
  {
    file: range,
    find: "if (exact) return",
    put: "return",
    tests,
    why: "bits behind the prefix are dropped unseen",
  },
  {
    file: ranges,
    find: "|| compare(other.last, 0, one.last)",
    put: "",
    tests,
    why: "a range hides the wider one",
  },
  {
    file: ranges,
    find: "(low - 1) * 8 + 4, words) >= 0",
    put: "(low - 1) * 8 + 4, words) > 0",
    tests,
    why: "the last address of a range is outside",
  },
  {
    file: "src/adapters/attempts.ts",
    find: "if (aborted || next === addresses.length) return;",
    put: "if (aborted || next === addresses.length || open === 4) return;",
    tests: ["tests/adapters/attempts_test.ts"],
    why: "four addresses that never answer hide the one that does",
  },
  {
    file: "src/adapters/by_name.ts",
    find: "[first[at], other[at]]",
    put: "[first[at]]",
    tests: ["tests/adapters/attempts_test.ts"],
    why: "addresses of the other family are not tried",
  },
];
