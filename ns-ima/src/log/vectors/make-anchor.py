# SPDX-License-Identifier: Apache-2.0
"""Makes anchor.json: the anchor rule written once more, in another language, straight from docs/evidence-format.md.

    python3 make-anchor.py > anchor.json
"""
import hashlib
import json

BANKS = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(record):
    tag, salt, event = record
    return sha256(b"\x00" + tag + sha256(b"\x01" + salt + event))


def record(number, event):
    return bytes([number]) * 32, bytes([0x80 + number]) * 32, event


batches = [
    [record(1, b"first")],
    [record(1, b"second"), record(2, b""), record(2, bytes(range(256)))],
    [record(3, b"x" * 1000)] * 300,
]
pcrs = {bank: bytes(size) for bank, size in BANKS.items()}
steps = []
for batch in batches:
    leaves = [leaf(each) for each in batch]
    for bank in pcrs:
        extend = hashlib.new(bank, b"\x02" + len(batch).to_bytes(4, "big") + b"".join(leaves)).digest()
        pcrs[bank] = hashlib.new(bank, pcrs[bank] + extend).digest()
    unique = [list(map(bytes.hex, each)) for each in dict.fromkeys(batch)]
    steps.append({
        "records": unique,
        "repeat": len(batch) // len(unique),
        "firstLeaf": leaves[0].hex(),
        "pcrs": {bank: value.hex() for bank, value in pcrs.items()},
    })
print(json.dumps(steps, indent=1))
