"""Signs the configurations of a rendered file as targets of a TUF repository with 256 hashed bins: `pack_tuf.py RENDERED OUT`.

Prints the bytes of all metadata, and what a client fetches when one configuration has changed: timestamp, snapshot and one bin.
"""

import hashlib
import json
import os
import sys
from datetime import datetime, timedelta, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile, Metadata, Snapshot, TargetFile, Targets, Timestamp

BINS = 256


def main(rendered, out):
    os.makedirs(out, exist_ok=True)
    expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=7)
    signer = CryptoSigner.generate_ed25519()
    with open(rendered) as file:
        devices = json.load(file)
    bins = [Targets(expires=expires) for _ in range(BINS)]
    for device in devices:
        content = json.dumps(device, separators=(",", ":")).encode()
        path = device["device"] + ".json"
        number = hashlib.sha256(path.encode()).digest()[0]
        bins[number].targets[path] = TargetFile(len(content), {"sha256": hashlib.sha256(content).hexdigest()}, path)

    def save(name, signed):
        metadata = Metadata(signed)
        metadata.sign(signer)
        path = os.path.join(out, name + ".json")
        metadata.to_file(path)
        return os.path.getsize(path)

    sizes = [save(f"bin-{number:02x}", one) for number, one in enumerate(bins)]
    meta = {f"bin-{number:02x}.json": MetaFile(1) for number in range(BINS)}
    snapshot = save("snapshot", Snapshot(expires=expires, meta=meta))
    timestamp = save("timestamp", Timestamp(expires=expires, snapshot_meta=MetaFile(1)))
    print(sum(sizes) + snapshot + timestamp, timestamp + snapshot + sizes[0])


main(sys.argv[1], sys.argv[2])
