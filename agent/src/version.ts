// SPDX-License-Identifier: Apache-2.0

/** Version of the node's programs, as written into the `boot` event. A repository test keeps it equal to package.json. */
export const VERSION = "0.1.0";
