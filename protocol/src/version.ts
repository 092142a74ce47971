// SPDX-License-Identifier: Apache-2.0

/** Version of the evidence format and of the HTTP paths (`/v1/`). It grows when an old receiver would misread. */
export const PROTOCOL_VERSION = 2;
