#!/bin/sh
# The limit of the target: ready files, by binary COPY, one table after the other.
# usage: binary_file.sh FOLDER POSTGRESQL_URL TABLE ...
set -eu
folder=$1 target=$2
shift 2
for table in "$@"; do
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --command="\\copy $table from '$folder/$table.copy' with (format binary)" "$target"
done
