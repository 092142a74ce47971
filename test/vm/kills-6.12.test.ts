// SPDX-License-Identifier: Apache-2.0
import { testKills } from "./kills.ts";

testKills("6.12");
