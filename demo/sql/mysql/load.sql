-- grain: the rows of a file of tab-separated text
load data local infile %s into table {{ target }} character set utf8mb4 ({{ columns }})
