#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes quotes.json: quotes of a software TPM over PCRs 10 and 13 of three banks, by keys of every kind that is accepted.
# Needs swtpm, swtpm_setup, tpm2-tools, openssl and python3.
set -eu
out=$(dirname "$(readlink -f "$0")")/quotes.json
cd "$(mktemp -d)"
mkdir state
swtpm_setup --tpm2 --tpmstate state --pcr-banks sha1,sha256,sha384,sha512 >/dev/null
swtpm socket --tpm2 --tpmstate dir="$PWD/state" --server type=tcp,port=22321,bindaddr=127.0.0.1 \
	--ctrl type=tcp,port=22322,bindaddr=127.0.0.1 --flags not-need-init,startup-clear --daemon --pid file="$PWD/pid"
trap 'kill "$(cat pid)"' EXIT
export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=22321
sleep 1
nonce=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
one=$(printf 01%.0s $(seq 20))
for pcr in 10 13; do
	tpm2_pcrextend "$pcr:sha1=$one,sha256=$(printf 02%.0s $(seq 32)),sha384=$(printf 03%.0s $(seq 48)),sha512=$(printf 04%.0s $(seq 64))"
done
# There is no resource manager: what a command loaded stays until it is flushed.
alone() {
	"$@"
	tpm2_flushcontext -t
}
while read -r name key scheme hash banks; do
	alone tpm2_createprimary -Q -C e -G ecc256 -c parent.ctx
	alone tpm2_create -Q -C parent.ctx -G "$key:$scheme-$hash:null" -u ak.pub -r ak.priv \
		-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign'
	alone tpm2_load -Q -C parent.ctx -u ak.pub -r ak.priv -c ak.ctx
	alone tpm2_readpublic -Q -c ak.ctx -f tss -o "$name.pub"
	alone tpm2_readpublic -Q -c ak.ctx -f pem -o "$name.pem"
	alone tpm2_quote -Q -c ak.ctx -l "$banks" -q $nonce -g "$hash" --scheme "$scheme" -m "$name.msg" -s "$name.sig" -o "$name.pcrs"
	if [ "$scheme" = rsapss ]; then
		# tpm2_checkquote knows no PSS. The signature stands behind its scheme, hash and size.
		tail -c +7 "$name.sig" >raw
		openssl dgst "-$hash" -verify "$name.pem" -sigopt rsa_padding_mode:pss -signature raw "$name.msg"
	else
		tpm2_checkquote -Q -u "$name.pem" -m "$name.msg" -s "$name.sig" -g "$hash" -q $nonce
	fi
	tpm2_pcrread -Q -o "$name.values" "$banks"
	echo "$name $banks" >>names
done <<END
rsa2048-rsassa-sha256 rsa2048 rsassa sha256 sha256:10,13
rsa2048-rsassa-sha384 rsa2048 rsassa sha384 sha384:10,13
rsa2048-rsassa-sha512 rsa2048 rsassa sha512 sha512:10,13
rsa2048-rsapss-sha256 rsa2048 rsapss sha256 sha256:10,13
rsa3072-rsassa-sha384 rsa3072 rsassa sha384 sha1:10+sha384:10,13
p256-ecdsa-sha256 ecc256 ecdsa sha256 sha256:10,13
p256-ecdsa-sha384 ecc256 ecdsa sha384 sha256:10,13+sha512:10
p384-ecdsa-sha384 ecc384 ecdsa sha384 sha384:10,13
p384-ecdsa-sha512 ecc384 ecdsa sha512 sha1:10+sha256:10,13
END
python3 - "$out" "$nonce" <<'END'
import json, sys
SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
quotes = []
for line in open("names"):
    name, banks = line.split()
    read = lambda end: open(name + end, "rb").read()
    values, at, pcrs = read(".values"), 0, []
    for bank in banks.split("+"):
        algorithm, indices = bank.split(":")
        for index in indices.split(","):
            size = SIZES[algorithm]
            pcrs.append({"bank": algorithm, "index": int(index), "value": values[at:at + size].hex()})
            at += size
    assert at == len(values)
    quotes.append({"name": name, "nonce": sys.argv[2], "akPublic": read(".pub")[2:].hex(),
                   "attest": read(".msg").hex(), "signature": read(".sig").hex(), "pcrs": pcrs})
source = "TPM2_Quote of swtpm 0.7.1 by make-quotes.sh; tpm2_checkquote of tpm2-tools 5.4, for PSS OpenSSL, accepts each"
with open(sys.argv[1], "w") as file:
    json.dump({"source": source, "quotes": quotes}, file, indent=2)
    file.write("\n")
END
