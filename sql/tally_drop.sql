DELETE FROM tally WHERE kind = :kind AND key = :key AND n = 0;
