#!/bin/sh
# Two processes: connectorx reads Arrow batches, pgpq encodes them, psql copies; one table after the other.
# usage: arrow_pipe.sh PYTHON FOLDER MYSQL_URL POSTGRESQL_URL TABLE ...
set -eu
python=$1 folder=$2 source=$3 target=$4
shift 4
for table in "$@"; do
    "$python" "$folder/arrow_read.py" "$source" "$table" \
        | "$python" "$folder/arrow_encode.py" "$table" \
        | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
            --command="\\copy $table from stdin with (format binary)" "$target"
done
