// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { namespaceOf, reportOf, verdictOf } from "../../test/sample-report.ts";
import { unexpected } from "./expected.ts";

const affirming = verdictOf("affirming");
const good = reportOf(affirming, [
  namespaceOf("short", affirming),
  namespaceOf("clean", affirming),
  namespaceOf("twin", affirming),
  namespaceOf("tampered", verdictOf("contraindicated", ["/vol/tool", "/bin/dropped"])),
  namespaceOf("neighbour", verdictOf("contraindicated", ["/vol/tool"])),
]);

it("finds nothing in what the demo shows", () => {
  expect(unexpected(good)).toEqual([]);
});

it.each([
  [
    "a host that is not affirming",
    { ...good, node: { ...good.node, host: verdictOf("none") } },
    "the host is none",
  ],
  [
    "a host whose boot was not checked",
    { ...good, node: { ...good.node, host: { ...affirming, limits: ["BOOT_UNVERIFIED"] } } },
    "the host has the limit BOOT_UNVERIFIED",
  ],
  [
    "a container that is missing",
    { ...good, namespaces: good.namespaces.slice(1) },
    "short is missing, not affirming",
  ],
  [
    "a tampered container that passes",
    {
      ...good,
      namespaces: good.namespaces.map((n) =>
        n.name === "tampered" ? { ...n, verdict: affirming } : n,
      ),
    },
    "tampered is affirming, not contraindicated",
  ],
  [
    "a container blamed for something else",
    {
      ...good,
      namespaces: good.namespaces.map((n) =>
        n.name === "neighbour" ? { ...n, verdict: verdictOf("contraindicated", ["/bin/x"]) } : n,
      ),
    },
    "neighbour is blamed for /bin/x",
  ],
  [
    "a container without its shell",
    { ...good, namespaces: good.namespaces.map((n) => ({ ...n, entries: [] })) },
    "clean does not list /bin/busybox",
  ],
  [
    "pending entries",
    { ...good, hostList: { ...good.hostList, pending: 2 } },
    "2 entries of the host list are pending",
  ],
])("names %s", (_, report, problem) => {
  expect(unexpected(report)).toContain(problem);
});
