DROP TABLE till_files;
