package roster

// The words people write into a roster, by their folded spelling (see fold).

var courseSlugs = []string{"5s", "forretning", "smed", "problemloesning"}

var courseTitles = map[string]string{
	"5s": "5s", "fems": "5s", "fives": "5s",

	"forretning": "forretning", "forretningsforstaaelse": "forretning", "forretningsforstaelse": "forretning",
	"businessunderstanding": "forretning",

	"smed": "smed", "smedomstilling": "smed", "smedchangeover": "smed", "hurtigomstilling": "smed", "omstilling": "smed",
	"omstillingstid": "smed", "changeover": "smed",

	"problemloesning": "problemloesning", "problemlosning": "problemloesning", "systematiskproblemloesning": "problemloesning",
	"systematiskproblemlosning": "problemloesning", "problemsolving": "problemloesning", "systematicproblemsolving": "problemloesning",
}

var channels = map[string]string{
	"sms": "sms", "mobil": "sms", "slack": "slack", "email": "email", "mail": "email",
}

var shifts = map[string]string{
	"day": "day", "dag": "day", "daghold": "day", "dagskift": "day", "dayshift": "day",
	"evening": "evening", "aften": "evening", "aftenhold": "evening", "aftenskift": "evening", "eveningshift": "evening",
	"night": "night", "nat": "night", "nathold": "night", "natskift": "night", "nightshift": "night",
}

var bases = map[string]string{
	"consent": "consent", "samtykke": "consent",
	"legitimate": "legitimate", "interesse": "legitimate", "legitiminteresse": "legitimate", "legitimateinterest": "legitimate",
}

var yesNo = map[string]bool{
	"ja": true, "j": true, "yes": true, "y": true, "x": true, "1": true, "true": true, "sand": true,
	"nej": false, "n": false, "no": false, "0": false, "false": false, "falsk": false,
}

// languages are those spoken on Danish factory floors, by code, English,
// Danish and own name.
var languages = map[string]string{
	"da": "da", "dk": "da", "danish": "da", "dansk": "da",
	"en": "en", "gb": "en", "uk": "uk", "english": "en", "engelsk": "en",
	"pl": "pl", "polish": "pl", "polsk": "pl", "polski": "pl",
	"vi": "vi", "vietnamese": "vi", "vietnamesisk": "vi", "tiếngviệt": "vi",
	"ukrainian": "uk", "ukrainsk": "uk", "українська": "uk",
	"ar": "ar", "arabic": "ar", "arabisk": "ar", "العربية": "ar",
	"de": "de", "german": "de", "tysk": "de", "deutsch": "de",
	"ro": "ro", "romanian": "ro", "rumaensk": "ro", "română": "ro",
	"lt": "lt", "lithuanian": "lt", "litauisk": "lt", "lietuvių": "lt",
	"lv": "lv", "latvian": "lv", "lettisk": "lv", "latviešu": "lv",
	"et": "et", "estonian": "et", "estisk": "et", "eesti": "et",
	"tr": "tr", "turkish": "tr", "tyrkisk": "tr", "türkçe": "tr",
	"so": "so", "somali": "so", "somalisk": "so", "soomaali": "so",
	"fa": "fa", "persian": "fa", "persisk": "fa", "farsi": "fa", "dari": "fa", "فارسی": "fa",
	"ps": "ps", "pashto": "ps",
	"ku": "ku", "kurdish": "ku", "kurdisk": "ku", "kurdî": "ku",
	"ti": "ti", "tigrinya": "ti", "ትግርኛ": "ti",
	"am": "am", "amharic": "am", "amharisk": "am",
	"sw": "sw", "swahili": "sw",
	"ur": "ur", "urdu": "ur", "اردو": "ur",
	"hi": "hi", "hindi": "hi", "हिन्दी": "hi",
	"ne": "ne", "nepali": "ne", "nepalesisk": "ne", "नेपाली": "ne",
	"bn": "bn", "bengali": "bn", "bengalsk": "bn", "বাংলা": "bn",
	"ta": "ta", "tamil": "ta", "tamilsk": "ta", "தமிழ்": "ta",
	"th": "th", "thai": "th", "thailandsk": "th", "ไทย": "th",
	"tl": "tl", "tagalog": "tl", "filipino": "tl", "filippinsk": "tl",
	"my": "my", "burmese": "my", "burmesisk": "my",
	"zh": "zh", "chinese": "zh", "kinesisk": "zh", "中文": "zh",
	"es": "es", "spanish": "es", "spansk": "es", "español": "es",
	"pt": "pt", "portuguese": "pt", "portugisisk": "pt", "português": "pt",
	"fr": "fr", "french": "fr", "fransk": "fr", "français": "fr",
	"it": "it", "italian": "it", "italiensk": "it", "italiano": "it",
	"el": "el", "greek": "el", "graesk": "el", "ελληνικά": "el",
	"nl": "nl", "dutch": "nl", "hollandsk": "nl", "nederlandsk": "nl", "nederlands": "nl",
	"sv": "sv", "swedish": "sv", "svensk": "sv", "svenska": "sv",
	"no": "no", "nb": "nb", "nn": "nn", "norwegian": "no", "norsk": "no",
	"fi": "fi", "finnish": "fi", "finsk": "fi", "suomi": "fi",
	"is": "is", "icelandic": "is", "islandsk": "is", "íslenska": "is",
	"fo": "fo", "faroese": "fo", "faeroesk": "fo", "foeroyskt": "fo",
	"kl": "kl", "greenlandic": "kl", "groenlandsk": "kl", "kalaallisut": "kl",
	"ru": "ru", "russian": "ru", "russisk": "ru", "русский": "ru",
	"bg": "bg", "bulgarian": "bg", "bulgarsk": "bg", "български": "bg",
	"hu": "hu", "hungarian": "hu", "ungarsk": "hu", "magyar": "hu",
	"cs": "cs", "czech": "cs", "tjekkisk": "cs", "čeština": "cs",
	"sk": "sk", "slovak": "sk", "slovakisk": "sk", "slovenčina": "sk",
	"bs": "bs", "bosnian": "bs", "bosnisk": "bs", "bosanski": "bs",
	"hr": "hr", "croatian": "hr", "kroatisk": "hr", "hrvatski": "hr",
	"sr": "sr", "serbian": "sr", "serbisk": "sr", "српски": "sr",
	"sq": "sq", "albanian": "sq", "albansk": "sq", "shqip": "sq",
	"mk": "mk", "macedonian": "mk", "makedonsk": "mk", "македонски": "mk",
}

var weekdays = map[string]int{
	"1": 1, "monday": 1, "mon": 1, "mandag": 1, "man": 1,
	"2": 2, "tuesday": 2, "tue": 2, "tirsdag": 2, "tir": 2, "tirs": 2,
	"3": 3, "wednesday": 3, "wed": 3, "onsdag": 3, "ons": 3,
	"4": 4, "thursday": 4, "thu": 4, "torsdag": 4, "tor": 4, "tors": 4,
	"5": 5, "friday": 5, "fri": 5, "fredag": 5, "fre": 5,
}

// word reads a cell that holds one of a few words.
func (p *parser) word(row *parsedRow, rec record, c column, words map[string]string, expected string) string {
	text := p.text(rec, c)
	if text == "" || !row.sound(c) {
		return ""
	}
	word, ok := words[fold(text)]
	if !ok {
		p.fault(row, c, text, expected)
	}
	return word
}

func (p *parser) language(row *parsedRow, rec record) string {
	text := p.word(row, rec, colLanguage, languages, "a language such as da, en, pl, or its name (dansk, engelsk, polsk)")
	if text == "" && row.sound(colLanguage) {
		return "da"
	}
	return text
}

func (p *parser) easy(row *parsedRow, rec record) bool {
	text := p.text(rec, colEasy)
	if text == "" || !row.sound(colEasy) {
		return false
	}
	easy, ok := yesNo[fold(text)]
	if !ok {
		p.fault(row, colEasy, text, "yes or no (ja, nej)")
	}
	return easy
}

func (p *parser) weekday(row *parsedRow, rec record) int {
	text := p.text(rec, colWeekday)
	if text == "" || !row.sound(colWeekday) {
		return 0
	}
	day, ok := weekdays[fold(text)]
	if !ok {
		p.fault(row, colWeekday, text, "a working day: monday to friday, mandag to fredag, or 1 to 5")
	}
	return day
}
