DROP INDEX messages_by_code;
