// SPDX-License-Identifier: Apache-2.0

/** Longest template name in a measurement list. The longest one of the kernel has 8 characters, custom formats more. */
export const LIST_NAME_MAX = 256;

/** Most template data of one measurement list record: the kernel measures whole buffers and signatures. */
export const LIST_DATA_MAX: number = 4 * 1024 * 1024;
