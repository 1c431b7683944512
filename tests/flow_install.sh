#!/bin/bash
# make install: everything below DESTDIR and PREFIX and nowhere else, usable there; uninstall takes it away again.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

DEST=$WORK/dest
PLACE=$DEST/opt/ctp
install_to() { # target
    make -C "$ROOT" BUILD="$BUILD" DESTDIR="$DEST" PREFIX=/opt/ctp "$1"
}

assert_exit 0 install_to install
find "$DEST" -type f -printf '%m %P\n' | LC_ALL=C sort -k 2 >"$WORK/files"
cat >"$WORK/wanted" <<'END'
755 opt/ctp/bin/ctp-enroll
755 opt/ctp/bin/ctp-sandbox
644 opt/ctp/share/bash-completion/completions/ctp-enroll
644 opt/ctp/share/doc/ctp-enroll/ctp-enroll.conf.sample
END
[ ! -f "$ROOT/docs/ctp-enroll.1" ] || echo '644 opt/ctp/share/man/man1/ctp-enroll.1' >>"$WORK/wanted"
assert_same "files installed" "$WORK/wanted" "$WORK/files"

assert_exit 0 "$PLACE/bin/ctp-enroll" --version
assert_exit 0 "$PLACE/bin/ctp-enroll" config check --config "$PLACE/share/doc/ctp-enroll/ctp-enroll.conf.sample"
assert_exit 0 bash -n "$PLACE/share/bash-completion/completions/ctp-enroll"
if [ -f "$ROOT/docs/ctp-enroll.1" ]; then
    page=$PLACE/share/man/man1/ctp-enroll.1
    assert_in "an option in the man page" '--drop-lost|\\-\\-drop\\-lost' "$page"
    assert_in "a setting in the man page" 'max_record_bytes' "$page"
    assert_eq "marks left in the man page" 0 "$(grep -c '@tables@' "$page")"
fi

assert_exit 0 install_to uninstall
assert_eq "files left by uninstall" "" "$(find "$DEST" -type f)"

flow_end
