// SPDX-License-Identifier: Apache-2.0

/** Longest template name in a measurement list. The longest one of the kernel has 8 characters, custom formats more. */
export const LIST_NAME_MAX = 256;

/** Most template data of one measurement list record: the kernel measures whole buffers and signatures. */
export const LIST_DATA_MAX: number = 4 * 1024 * 1024;

/** Most fields of one template (`ima_template.c`, TEMPLATE_NUM_FIELDS_MAX). */
export const LIST_FIELDS_MAX = 15;

/** Longest path in a record of the template `ima`, and in a field `n` (`ima.h`, IMA_EVENT_NAME_LEN_MAX). */
export const LEGACY_PATH_MAX = 255;

/** Most contents that a cache remembers. */
export const CACHED_CONTENTS_MAX: number = 256 * 1024;

/** Contents with more template data are not remembered: a cache of long ones would hold as much as their senders like. */
export const CACHED_DATA_MAX = 1024;
