# SPDX-License-Identifier: Apache-2.0
"""Makes signatures.json: IMA and EVM signatures by evmctl, with new keys. See ../README.md for what the fields mean.

    python3 make-signatures.py EVMCTL_1_4 EVMCTL_1_5 > signatures.json

evmctl 1.5 (Debian 13) signs fs-verity digests; 1.4 (Debian 12) still makes signatures of version 1. Signatures of version 3 over
ordinary files it does not make: they are openssl's, over the bytes that the kernel puts together (ima_appraise.c, calc_file_id_hash).
"""
import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

EVMCTL, EVMCTL_15 = map(os.path.abspath, sys.argv[1:3])
# Numbers of include/uapi/linux/hash_info.h.
HASHES = {"sha1": 2, "sha256": 4, "sha384": 5, "sha512": 6}
KEYS = {
    "rsa-2048": ["genrsa", "2048"],
    "rsa-4096": ["genrsa", "4096"],
    "rsa-other": ["genrsa", "2048"],
    "p256": ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    "p384": ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
    "skid": ["genrsa", "2048"],
}
SKID = "0102030405060708090a0b0c0d0e0f1011121314"
FILE = {"uid": 2005, "gid": 100, "mode": 0o100640}

os.chdir(tempfile.mkdtemp())


def run(*argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.decode()}")
    return done.stdout


def read(name):
    with open(name, "rb") as file:
        return file.read()


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)


def openssl(*argv, text=None):
    return run("openssl", *argv, text=text)


def make_key(name):
    write(f"{name}.pem", openssl(*KEYS[name]))
    extensions = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature"]
    skid = SKID if name == "skid" else "hash"
    extensions += ["-addext", f"subjectKeyIdentifier={skid}", "-addext", "authorityKeyIdentifier=none"]
    certificate = ["-new", "-x509", "-key", f"{name}.pem", "-sha256", "-days", "36500", "-subj", f"/CN={name}"]
    openssl("req", *certificate, *extensions, "-outform", "DER", "-out", f"{name}.crt")
    spki = openssl("pkey", "-in", f"{name}.pem", "-pubout", "-outform", "DER")
    openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")
    # The key id covers the contents of the bit string only: the last element, without its count of unused bits.
    bits = openssl("asn1parse", "-inform", "DER", text=spki).decode().strip().split("\n")[-1]
    offset, header = int(bits.split(":")[0]), int(bits.split("hl=")[1].split()[0])
    key_id = hashlib.sha1(spki[offset + header + 1:]).hexdigest()[-8:]
    return {
        "name": name,
        "spki": spki.hex(),
        "certificate": read(f"{name}.crt").hex(),
        "keyId": SKID[-8:] if name == "skid" else key_id,
    }


def verity_digest(content, algorithm):
    """Documentation/filesystems/fsverity.rst, for a file of at most one block."""
    assert 0 < len(content) <= 4096
    root = hashlib.new(algorithm, content.ljust(4096, b"\0")).digest()
    number = {"sha256": 1, "sha512": 2}[algorithm]
    descriptor = struct.pack("<BBBBIQ64s32s144x", 1, number, 12, 0, 0, len(content), root, b"")
    return hashlib.new(algorithm, descriptor).digest()


def signed_file(name, key, algorithm, *more, check=True):
    content = f"{name}\n".encode()
    write(name, content)
    run(EVMCTL, "ima_sign", "--sigfile", "-a", algorithm, "--key", f"{key}.pem", *more, name)
    if check:
        flags = ["--rsa"] if "--rsa" in more else []
        run(EVMCTL, "ima_verify", "--sigfile", *flags, "--key", f"{key}.pub" if flags else f"{key}.crt", name)
    digest = hashlib.new(algorithm, content).digest()
    return vector(name, "evmctl 1.4", key, content, f"{algorithm}:{digest.hex()}", read(f"{name}.sig"))


def v3(name, key, algorithm):
    content = f"{name}\n".encode()
    digest = hashlib.new(algorithm, content).digest()
    number = HASHES[algorithm]
    signed = openssl("dgst", f"-{algorithm}", "-sign", f"{key}.pem", text=bytes([3, number]) + digest)
    key_id = bytes.fromhex(keys[key]["keyId"])
    xattr = bytes([3, 3, number]) + key_id + struct.pack(">H", len(signed)) + signed
    return vector(name, "openssl", key, content, f"{algorithm}:{digest.hex()}", xattr)


def verity(name, key, algorithm):
    content = f"{name}\n".encode()
    digest = verity_digest(content, algorithm)
    line = f"{algorithm}:{digest.hex()} {name}\n".encode()
    out = run(EVMCTL_15, "sign_hash", "--veritysig", "--key", f"{key}.pem", text=line)
    xattr = bytes.fromhex(out.decode().split()[2])
    return vector(name, "evmctl 1.5", key, content, f"verity:{algorithm}:{digest.hex()}", xattr)


def portable(name, key, algorithm):
    content = f"{name}\n".encode()
    write(name, content)
    digest = hashlib.new(algorithm, content).digest()
    ima = bytes([4, HASHES[algorithm]]) + digest
    owner = [f"--{field}={value}" for field, value in FILE.items()]
    out = run(EVMCTL, "sign", "-n", "--portable", "--imahash", "-a", algorithm, f"--ima={ima.hex()}", *owner,
              "--key", f"{key}.pem", name)
    xattr = bytes.fromhex(out.decode().split()[-1])
    assert xattr[0] == 5
    made = vector(name, "evmctl 1.4", key, content, f"{algorithm}:{digest.hex()}", xattr)
    return {**made, "ima": ima.hex(), **FILE}


def vector(name, tool, key, content, digest, xattr):
    return {"name": name, "tool": tool, "key": key, "content": content.decode(), "digest": digest, "xattr": xattr.hex()}


keys = {name: make_key(name) for name in KEYS}
signatures = [
    *[signed_file(f"v2-rsa-{algorithm}", "rsa-2048", algorithm) for algorithm in HASHES],
    signed_file("v2-rsa-4096-sha512", "rsa-4096", "sha512"),
    signed_file("v2-rsa-other", "rsa-other", "sha256"),
    *[signed_file(f"v2-p256-{algorithm}", "p256", algorithm) for algorithm in HASHES],
    *[signed_file(f"v2-p384-{algorithm}", "p384", algorithm) for algorithm in HASHES],
    # evmctl looks a key up by the id of the bare key, so it would not find this one again.
    signed_file("v2-key-id-of-certificate", "skid", "sha256", "--keyid-from-cert", "skid.crt", check=False),
    signed_file("v1-rsa-sha1", "rsa-2048", "sha1", "--rsa"),
    signed_file("v1-rsa-sha256", "rsa-2048", "sha256", "--rsa"),
    *[v3(f"v3-{key}-{algorithm}", key, algorithm) for key in ("rsa-2048", "p256", "p384") for algorithm in ("sha256", "sha512")],
    *[verity(f"verity-{key}-{algorithm}", key, algorithm) for key in ("rsa-2048", "p256", "p384") for algorithm in ("sha256", "sha512")],
    *[portable(f"portable-{key}", key, "sha256") for key in ("rsa-2048", "p256")],
]
versions = [run(tool, "--version").decode().strip() for tool in (EVMCTL, EVMCTL_15)]
print(json.dumps({"tools": [*versions, openssl("version").decode().strip()], "keys": [*keys.values()], "signatures": signatures}, indent=1))
