-- What the sixth migration's binary knew besides: why a visit was given back.

UPDATE visits SET why = 'skiftet er flyttet' WHERE uid = 'visit-1@efterkurs';
