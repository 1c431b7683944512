-- Whether there are rows that were given up with their file (source_lost, alone or before what their customer adds).
SELECT EXISTS (SELECT 1 FROM file WHERE lost = 1)
   AND EXISTS (SELECT 1 FROM card WHERE state = 0 AND code >= 'source_lost' AND code < 'source_lost~');
