"""A person's own pictures: folders, tables, parquet files and archives become a data set artifact."""
