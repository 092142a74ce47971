// SPDX-License-Identifier: Apache-2.0
import { DISGUISE_TRICKS } from "./table/disguise-tricks.ts";
import { FLOOD_TRICKS } from "./table/flood-tricks.ts";
import { LIST_TRICKS } from "./table/list-tricks.ts";
import { MAPPING_TRICKS } from "./table/mapping-tricks.ts";
import { NAME_TRICKS } from "./table/name-tricks.ts";
import { ROOT_TRICKS } from "./table/root-tricks.ts";
import { TASK_TRICKS } from "./table/task-tricks.ts";
import type { Trick } from "./trick.ts";

/** Every trick, in the order in which they are played: those that flood last. */
export const TRICKS: readonly Trick[] = [
  ...LIST_TRICKS,
  ...NAME_TRICKS,
  ...DISGUISE_TRICKS,
  ...MAPPING_TRICKS,
  ...TASK_TRICKS,
  ...ROOT_TRICKS,
  ...FLOOD_TRICKS,
];
