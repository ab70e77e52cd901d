#!/bin/sh
# nginx.sh WRAP PORT - nginx as fast as it can, one process, with what is to watch it, for the detector's bench.
set -eu
folder=$PWD/build/bench/http
conf=$PWD/build/bench/blocking/nginx-$2.conf
cat >"$conf" <<END
daemon off; master_process off; pid nginx-$2.pid; error_log stderr crit; events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 1000000000; keepalive_timeout 3600s; client_body_temp_path body;
proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi; default_type text/plain;
server { listen 127.0.0.1:$2; root files; } }
END
exec $1 build/peers/usr/sbin/nginx -p "$folder" -c "$conf" -e stderr
