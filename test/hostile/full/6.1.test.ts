// SPDX-License-Identifier: Apache-2.0
import { describeHostile } from "../hostile.ts";

describeHostile({ kernel: "6.1", long: true });
