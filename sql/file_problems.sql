SELECT file, code, n, line FROM file_problem ORDER BY file, code;
