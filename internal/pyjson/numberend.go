package pyjson

// numberEnd walks the number that begins at i with a digit or a minus sign. It returns the index behind it and
// whether it is an integer. When it is faulty the index is negative, the complement of where the fault is.
//
// Python's scanner backs off from "1." and "1e" to the integer 1 and then refuses what is left over; to refuse
// them here comes to the same.
func numberEnd(text string, i int) (end int, integer bool) {
	if text[i] == '-' {
		i++
		if i < len(text) && text[i] == 'I' {
			return wordEnd(text, i, "Infinity"), false
		}
	}
	first := i
	i = digitsEnd(text, i)
	if i == first {
		return ^i, false
	}
	if text[first] == '0' && i > first+1 {
		return ^(first + 1), false
	}
	integer = true
	if i < len(text) && text[i] == '.' {
		integer = false
		fraction := i + 1
		if i = digitsEnd(text, fraction); i == fraction {
			return ^i, false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		integer = false
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := i
		if i = digitsEnd(text, exponent); i == exponent {
			return ^i, false
		}
	}
	if integer && i-first > maxIntDigits {
		return ^first, true
	}
	return i, integer
}

// plainIntEnd is numberEnd for the integers that compact JSON is full of: digits alone, with a comma or a bracket behind
// them. For all else, faulty or not, it returns -1.
func plainIntEnd(b []byte, i int) int {
	end := i
	for end < len(b) && b[end]-'0' <= 9 {
		end++
	}
	digits := end - i
	if digits == 0 || digits > maxIntDigits || digits > 1 && b[i] == '0' || end == len(b) {
		return -1
	}
	if c := b[end]; c != ',' && c != '}' && c != ']' {
		return -1
	}
	return end
}

func digitsEnd(text string, i int) int {
	for i < len(text) && text[i]-'0' <= 9 {
		i++
	}
	return i
}

// wordEnd returns the index behind the word at i, or the complement of i when it is not there.
func wordEnd(text string, i int, word string) int {
	if len(text)-i >= len(word) && text[i:i+len(word)] == word {
		return i + len(word)
	}
	return ^i
}
