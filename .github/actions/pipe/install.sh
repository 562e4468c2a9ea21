#!/usr/bin/env bash
# Installs one release of pipe whose archive has a known checksum.
set -euo pipefail
fail() { echo "::error title=pipe::$1"; exit 2; }

case ${RUNNER_OS:-}/${RUNNER_ARCH:-} in
  Linux/X64) platform=linux_amd64 ;;
  Linux/ARM64) platform=linux_arm64 ;;
  macOS/X64) platform=darwin_amd64 ;;
  macOS/ARM64) platform=darwin_arm64 ;;
  *) fail "this runner is not supported; use Linux or macOS" ;;
esac
version=${PIPE_VERSION:-} checksum=${PIPE_CHECKSUM:-}
if [ -z "$version" ]; then
  [ -z "$checksum" ] || fail "checksum needs version"
  pinned=$(dirname "$0")/release
  version=$(sed -n 's/^\(v[0-9][0-9A-Za-z.-]*\)$/\1/p' "$pinned")
  [ -n "$version" ] || fail "this commit of the action pins no release; set version and checksum"
  checksum=$(sed -n "s/^\([0-9a-f]\{64\}\)  pipe_${version#v}_$platform\.tar\.gz\$/\1/p" "$pinned")
fi
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "version is not like v1.2.3"
[[ $checksum =~ ^[0-9a-f]{64}$ ]] || fail "there is no SHA-256 checksum for $version on this runner"

dir=$(mktemp -d "${RUNNER_TEMP:?}/pipe.XXXXXX")
archive=$dir/pipe.tar.gz
curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$archive" \
  "${PIPE_RELEASES:?}/$version/pipe_${version#v}_$platform.tar.gz" || fail "the release cannot be downloaded"
if command -v sha256sum >/dev/null; then got=$(sha256sum <"$archive"); else got=$(shasum -a 256 <"$archive"); fi
[ "${got%% *}" = "$checksum" ] || fail "the checksum of the archive is wrong"
mkdir "$dir/bin"
tar -xzf "$archive" -C "$dir" --strip-components 1
mv "$dir/pipe" "$dir/bin/pipe"
echo "$dir/bin" >>"${GITHUB_PATH:?}"
