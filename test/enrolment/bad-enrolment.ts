// SPDX-License-Identifier: Apache-2.0

import { it } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** An enrolment that has to be refused. */
    badEnrolment?: boolean;
  }
}

/** An enrolment that has to be refused; passes when it is, with the code that it deserves. */
export function badEnrolment(title: string, attempt: () => Promise<void>): void {
  it(title, async ({ task }) => {
    task.meta.badEnrolment = true;
    await attempt();
  });
}
