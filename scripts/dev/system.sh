#!/usr/bin/env bash
# Makes sure of the programs that the tests drive: real browsers, GStreamer, ffmpeg, Node. Installs what is missing
# as root or with sudo; else says what to install, and fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/dev/lib.sh

# What has to be there ↔ the Debian package that brings it. A name without a slash is a command, "gst:" an element of
# GStreamer, "gi:" a namespace that /usr/bin/python3 can import.
needs='
chromium                chromium
firefox-esr             firefox-esr
ffmpeg                  ffmpeg
gst-launch-1.0          gstreamer1.0-tools
gst:webrtcbin           gstreamer1.0-plugins-bad
gst:nicesrc             gstreamer1.0-nice
gst:vp8enc              gstreamer1.0-plugins-good
gst:opusenc             gstreamer1.0-plugins-base
gst:avdec_h264          gstreamer1.0-libav
gi:GstWebRTC            gir1.2-gst-plugins-bad-1.0
gi:Gst                  python3-gi
npm                     npm
turnserver              coturn
/usr/sbin/nginx         nginx-light
prometheus              prometheus
promtool                prometheus
systemd-analyze         systemd
/usr/lib/nginx/modules/ngx_rtmp_module.so     libnginx-mod-rtmp
/usr/lib/nginx/modules/ngx_stream_module.so   libnginx-mod-stream
/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf  fonts-dejavu-core
'

present() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        gst:*) gst-inspect-1.0 "${1#gst:}" >/dev/null 2>&1 ;;
        gi:*) /usr/bin/python3 -c "import gi; gi.require_version('${1#gi:}', '1.0')" 2>/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

missing() {
    while read -r thing package; do
        [ -z "$thing" ] || present "$thing" || echo "$package"
    done <<<"$needs" | sort -u
}

packages="$(missing)"
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086 # one word a package
apt_install $packages || fail "The tests need programs that are missing here." \
    "Debian: sudo apt-get install --no-install-recommends ${packages//$'\n'/ }"
packages="$(missing)"
[ -z "$packages" ] || fail "Still missing after the installation: ${packages//$'\n'/ }"
