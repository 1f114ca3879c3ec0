#!/bin/sh
# Install dcmtk, dicom3tools and bubblewrap where this can be done without asking; else say what is missing.
missing=""
command -v dcmdump >/dev/null 2>&1 || missing="$missing dcmtk"
command -v dciodvfy >/dev/null 2>&1 || missing="$missing dicom3tools"
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 && exit 0
fi
echo "note: not installed:$missing; the tests that need them are skipped (sudo apt-get install$missing)"
exit 0
