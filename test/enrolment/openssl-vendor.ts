// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Somebody whose certificates are made by openssl, which is not us. */
export interface OpensslVendor {
  readonly subject: string;
  /** PEM. */
  readonly certificate: string;
  readonly der: Buffer;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface AuthorityOptions {
  readonly type: "rsa" | "ec";
  readonly days?: number;
  readonly basicConstraints?: string;
  readonly keyUsage?: string;
  /** Further lines of the extensions, as openssl's configuration has them. */
  readonly extensions?: readonly string[];
  /** A key that there is already: an authority under another name. */
  readonly keyFile?: string;
}

export interface EkOptions {
  readonly days?: number;
  /** Without it, the usage of an EK of the key's type. */
  readonly keyUsage?: string;
  readonly extendedKeyUsage?: string;
  readonly extensions?: readonly string[];
  readonly basicConstraints?: string;
}

/** What `openssl ca` needs to be told; unlike `openssl x509` it lets a certificate begin at any time. */
const CA_CONFIGURATION = `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`;
const LONG = ["-startdate", "20200101000000Z", "-enddate", "20400101000000Z"];

/** A workshop of certificates in a folder of its own below `parent`. */
export class OpensslWorkshop {
  readonly #folder: string;
  #made = 0;

  constructor(parent: string) {
    this.#folder = mkdtempSync(join(parent, "openssl-"));
  }

  /** An authority: signed by `issuer`, or by itself. */
  authority(name: string, options: AuthorityOptions, issuer?: OpensslVendor): OpensslVendor {
    const { type, days = 30, extensions = [] } = options;
    const subject = `/CN=${name}`;
    const keyFile = options.keyFile ?? this.#newKey(type);
    const publicKey = this.#path("pub");
    openssl(this.#folder, "pkey", "-in", keyFile, "-pubout", "-out", publicKey);
    const lines = [
      `basicConstraints=${options.basicConstraints ?? "critical,CA:TRUE"}`,
      `keyUsage=${options.keyUsage ?? "critical,keyCertSign,cRLSign"}`,
      ...extensions,
    ];
    const signer = issuer
      ? ["-CA", issuer.certificateFile, "-CAkey", issuer.keyFile, "-force_pubkey", publicKey]
      : ["-key", keyFile];
    const certificateFile = this.#sign(subject, signer, days, lines);
    const certificate = readFileSync(certificateFile, "utf8");
    const { raw: der } = new X509Certificate(certificate);
    return { subject, certificate, der, certificateFile, keyFile };
  }

  /** An authority that signs itself and has been valid since 2020. */
  oldAuthority(name: string, type: "rsa" | "ec"): OpensslVendor {
    const { keyFile, subject } = this.authority(name, { type });
    const folder = mkdtempSync(join(this.#folder, "ca-"));
    const inFolder = (args: readonly string[]): void => openssl(folder, ...args);
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "ca.cnf"), CA_CONFIGURATION);
    writeFileSync(
      join(folder, "v3.cnf"),
      "[v3]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n",
    );
    inFolder(["req", "-new", "-key", keyFile, "-subj", subject, "-out", "csr"]);
    inFolder([
      ...["ca", "-batch", "-notext", "-selfsign", "-config", "ca.cnf", "-keyfile", keyFile],
      ...["-in", "csr", "-out", "crt", ...LONG, "-extfile", "v3.cnf", "-extensions", "v3"],
    ]);
    const certificateFile = join(folder, "crt");
    const certificate = readFileSync(certificateFile, "utf8");
    const { raw: der } = new X509Certificate(certificate);
    return { subject, certificate, der, certificateFile, keyFile };
  }

  /** DER of a certificate that says that `key` is an endorsement key. */
  ekCertificate(issuer: OpensslVendor, key: KeyObject, options: EkOptions = {}): Buffer {
    const { days = 20, extensions = [] } = options;
    const publicKey = this.#path("pub");
    writeFileSync(publicKey, key.export({ type: "spki", format: "pem" }));
    const usual = key.asymmetricKeyType === "rsa" ? "keyEncipherment" : "keyAgreement";
    const lines = [
      `basicConstraints=${options.basicConstraints ?? "critical,CA:FALSE"}`,
      `keyUsage=critical,${options.keyUsage ?? usual}`,
      `extendedKeyUsage=${options.extendedKeyUsage ?? "2.23.133.8.1"}`,
      ...extensions,
    ];
    const signer = ["-CA", issuer.certificateFile, "-CAkey", issuer.keyFile];
    const file = this.#sign("/CN=TPM", [...signer, "-force_pubkey", publicKey], days, lines);
    return new X509Certificate(readFileSync(file)).raw;
  }

  #sign(
    subject: string,
    signer: readonly string[],
    days: number,
    lines: readonly string[],
  ): string {
    const configuration = this.#path("cnf");
    writeFileSync(configuration, ["[v3]", ...lines, ""].join("\n"));
    const certificate = this.#path("crt");
    openssl(
      this.#folder,
      ...["x509", "-new", "-subj", subject, "-days", String(days)],
      ...["-set_serial", String(1000 + this.#made)],
      ...signer,
      ...["-extfile", configuration, "-extensions", "v3", "-out", certificate],
    );
    return certificate;
  }

  #newKey(type: "rsa" | "ec"): string {
    const file = this.#path("key");
    const kind =
      type === "rsa"
        ? ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        : ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    openssl(this.#folder, "genpkey", "-algorithm", ...kind, "-out", file);
    return file;
  }

  #path(suffix: string): string {
    this.#made += 1;
    return join(this.#folder, `${this.#made}.${suffix}`);
  }
}

function openssl(cwd: string, ...args: readonly string[]): void {
  execFileSync("openssl", args, { cwd, stdio: "pipe" });
}
