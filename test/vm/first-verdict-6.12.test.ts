// SPDX-License-Identifier: Apache-2.0
import { testFirstVerdict } from "./first-verdict.ts";

testFirstVerdict("6.12");
