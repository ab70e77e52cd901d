#!/bin/sh
# peers.sh NAME PACKAGE... - unpacks Debian packages under build/peers, without installing them, to be measured against.
# build/peers/NAME.txt then says which version is there, or why there is none; it is touched only when that changes.
set -u
name=$1
shift
mkdir -p build/peers/deb
said=build/peers/$name.txt

say()
{
    [ -f "$said" ] && [ "$(cat "$said")" = "$1" ] || printf '%s\n' "$1" >"$said"
}

[ -f "build/peers/deb/$name.unpacked" ] && [ -f "$said" ] && exit 0
for package; do
    if ! answer=$(cd build/peers/deb && apt-get -q download "$package" 2>&1); then
        say "$package could not be downloaded: $(printf '%s' "$answer" | tail -n 1)"
        exit 0
    fi
    file=$(ls -t build/peers/deb/"$package"_*.deb | head -n 1)
    if ! dpkg -x "$file" build/peers; then
        say "$file could not be unpacked"
        exit 0
    fi
done
touch "build/peers/deb/$name.unpacked"
say "$name $(dpkg-deb -f "$file" Version)"
