#!/bin/sh
# Makes a signed RAUC bundle of each file DEVICE.json in a folder: `pack_rauc.sh FOLDER OUT`. Prints the bytes of all bundles.
set -eu
folder=$1 out=$2
mkdir -p "$out"
openssl req -x509 -newkey rsa:2048 -nodes -days 7 -subj /CN=bench -keyout "$out/key.pem" -out "$out/cert.pem" 2> "$out/openssl.log"
for file in "$folder"/*.json; do
  name=$(basename "$file" .json)
  mkdir -p "$out/$name"
  cp "$file" "$out/$name/configuration.img"
  printf '[update]\ncompatible=bench\nversion=1\n\n[bundle]\nformat=plain\n\n[image.configuration]\nfilename=configuration.img\n' > "$out/$name/manifest.raucm"
  rauc --cert="$out/cert.pem" --key="$out/key.pem" bundle "$out/$name" "$out/$name.raucb" >> "$out/rauc.log" 2>&1
done
cat "$out"/*.raucb | wc -c
