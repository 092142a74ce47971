// SPDX-License-Identifier: Apache-2.0

/** Names of files in the policy folder: no way out of it. */
export const FILE_FORM: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\.json$/;

/** The same for files that hold keys: PEM, DER, or a keyring of Keylime's. */
export const KEYRING_FORM: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\.(?:json|pem|der)$/;
