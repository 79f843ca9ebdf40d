#!/bin/sh
# The shell's own way: mariadb | sed | psql, as text, one table after the other.
# usage: pipe.sh HOST PORT USER PASSWORD DATABASE POSTGRESQL_URL KEYS TABLE ...
#
# 'mariadb --batch' escapes tabs, newlines and backslashes as COPY reads them, and prints NULL as the word:
# sed turns a field that is this word into \N. A text 'NULL' or a carriage return would travel wrongly.
set -eu
host=$1 port=$2 user=$3 database=$5 target=$6 keys=$7
export MYSQL_PWD="$4" LC_ALL=C
shift 7
for table in "$@"; do
    mariadb --host="$host" --port="$port" --user="$user" --default-character-set=utf8mb4 --quick --batch \
        --skip-column-names --execute="select * from $table" "$database" \
        | sed -e 's/\tNULL\t/\t\\N\t/g' -e 's/\tNULL\t/\t\\N\t/g' -e 's/\tNULL$/\t\\N/' \
        | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --command="\\copy $table from stdin" "$target"
    [ "$keys" = 0 ] || psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --command="alter table $table add primary key (${table%s}_id)" "$target"
done
